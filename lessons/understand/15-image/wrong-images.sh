# hint: both containers have the same image
sudo minictr run -d --name one lesson:1 sleep 1000
sudo minictr run -d --name two lesson sleep 1000
