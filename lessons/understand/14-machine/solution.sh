sudo minictr run -d --name guest lesson sleep 1000
ps -C sleep -o pid=,pidns= | awk -v host="$(readlink /proc/self/ns/pid | tr -dc 0-9)" '$2 != host { print $1 }' >pid
