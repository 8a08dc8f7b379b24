# the limits for which this computer has a controller
limits=
sudo minictr doctor | grep -q '^ok *controller pids' && limits="--pids-limit 20"
sudo minictr doctor | grep -q '^ok *controller memory' && limits="$limits --memory 64m"
sudo minictr run -d --name small --ulimit nofile=64 $limits lesson sleep 1000
