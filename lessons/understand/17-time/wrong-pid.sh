# hint: the one that costs most is still made
sudo minictr run -d --name quick --pid host lesson sleep 1000
