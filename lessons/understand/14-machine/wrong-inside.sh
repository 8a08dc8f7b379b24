# hint: look at it from outside of the container
sudo minictr run -d --name guest lesson sleep 1400
sudo minictr exec guest pidof sleep >pid
