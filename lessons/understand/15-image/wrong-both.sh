# hint: a change in one container is not seen in the other
sudo minictr run -d --name one lesson sh -c 'echo mine >/srv/list; sleep 1000'
sudo minictr run -d --name two lesson sh -c 'echo mine >/srv/list; sleep 1000'
while ! sudo minictr exec two grep -q mine /srv/list; do sleep 0.1; done
while ! sudo minictr exec one grep -q mine /srv/list; do sleep 0.1; done
