# hint: a container sees all layers at once
sudo minictr run --rm lesson cat /srv/password >password || true
