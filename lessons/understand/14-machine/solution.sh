sudo minictr run -d --name guest lesson sleep 1400
pgrep -fx 'sleep 1400' >pid
