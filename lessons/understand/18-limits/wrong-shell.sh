# hint: the container's first process still has the limit that it began with
sudo minictr run -d --name small lesson sleep 1000
sudo minictr exec small sh -c 'ulimit -n 64'
