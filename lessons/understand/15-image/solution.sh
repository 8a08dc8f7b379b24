sudo minictr run -d --name one lesson sleep 1000
sudo minictr run -d --name two lesson sleep 1000
sudo minictr exec one sh -c 'echo mine >/srv/list'
