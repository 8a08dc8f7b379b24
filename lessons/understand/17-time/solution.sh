sudo minictr run -d --name quick --network host lesson sleep 1000
