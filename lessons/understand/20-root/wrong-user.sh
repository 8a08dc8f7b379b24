# hint: user 0
sudo minictr run -d --name least --user 1000 --cap-drop ALL --cap-add NET_BIND_SERVICE lesson sleep 1000
