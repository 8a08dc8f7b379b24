# hint: /srv/password has 12 characters
sudo minictr layers cat lesson@2:/srv/list >password
