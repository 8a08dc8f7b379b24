# hint: leave out one namespace only
sudo minictr run -d --name quick --network host --uts host lesson sleep 1000
