# hint: it has more capabilities than that one
sudo minictr run -d --name least --privileged lesson sleep 1000
