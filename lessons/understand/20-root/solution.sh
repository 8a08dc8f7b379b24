sudo minictr run -d --name least --cap-drop ALL --cap-add NET_BIND_SERVICE lesson sleep 1000
