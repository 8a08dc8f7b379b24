# hint: process 1 is sh
sudo minictr run -d --name polite lesson sh -c 'sleep 1000; exit 0'
