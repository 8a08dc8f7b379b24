# hint: the one that a web server needs is missing
sudo minictr run -d --name least --cap-drop ALL lesson sleep 1000
