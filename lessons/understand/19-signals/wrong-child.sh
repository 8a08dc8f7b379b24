# hint: process 1 is sh
sudo minictr run -d --name polite lesson sh -c 'sh -c "trap \"exit 0\" TERM; while true; do sleep 1; done"; exit 0'
