sudo minictr layers cat lesson@2:/srv/password >password
