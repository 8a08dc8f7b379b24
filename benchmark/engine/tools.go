package engine

// tool is the commands of one engine. Their words may name variables:
//
//	$dir       the scratch directory
//	$state     a directory in memory, as runtimes use by default
//	$id        the container
//	$answer    the directory of its socket, on the host
//	$workload  the program
type tool struct {
	name     string
	programs string // that have to be installed
	version  string // prints it
	daemon   string // serves the commands below
	client   string // begins the commands below

	bundle     bool   // it knows no images: each container has a bundle in $dir/bundles/$id
	load       string // $dir/image.tar
	run        string
	foreground bool   // run does not return while the container runs
	explain    string // run, with the duration of each step on standard error
	remove     string
	list       string // prints the ids of all containers
	unload     string // all images
	store      string // what is on the disk
}

const (
	image   = "localhost/bench:latest"
	socket  = "socket"                 // the workload's, in $answer
	inside  = "/answer"                // $answer in a container
	address = "unix:/answer/" + socket // where the workload answers in a container

	bind = " --name $id --network none -v $answer:" + inside + " "
)

func tools() []tool {
	minictr := tool{
		name:    "minictr run -d",
		version: "$dir/minictr version",
		client:  "$dir/minictr --root $dir/root",
		load:    "load -i $dir/image.tar",
		run:     "run --detach" + bind + image,
		remove:  "rm -f $id", list: "ps -aq",
		store: "$dir/root",
	}
	foreground := minictr
	foreground.name, foreground.foreground = "minictr run", true
	foreground.run, foreground.explain = "run --rm"+bind+image, "run --rm --explain"+bind+image
	runtime := func(name, client string) tool {
		return tool{
			name:     name + " run -d",
			programs: name, version: name + " --version",
			client: client,
			bundle: true,
			run:    "run --detach --bundle $dir/bundles/$id $id",
			remove: "delete --force $id", list: "list --quiet",
			store: "$dir/bundles",
		}
	}
	return []tool{{
		name:   "fork+exec",
		client: "$workload",
		run:    "unix:$answer/" + socket, foreground: true,
		store: "$workload",
	}, foreground, minictr,
		runtime("crun", "crun --root $state --cgroup-manager=cgroupfs"),
		runtime("runc", "runc --root $state"),
		{
			name:     "podman run -d",
			programs: "podman runc", version: "podman --version",
			client: "podman --cgroup-manager cgroupfs --runtime runc --events-backend none " +
				"--root $dir/podman --runroot $dir/run",
			load: "load -q -i $dir/image.tar",
			// explicit limits: podman would raise some, which not every computer allows; a log without journald
			run: "run -d" + bind + "--log-driver k8s-file --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 " +
				"--pids-limit 0 " + image,
			remove: "rm -f -t 0 $id", list: "ps -aq", unload: "rmi --all --force",
			store: "$dir/podman",
		}, {
			name:     "docker run -d",
			programs: "docker dockerd", version: "dockerd --version",
			// a daemon of its own: one that runs already is not touched
			daemon: "dockerd --data-root $dir/data --exec-root $dir/run --pidfile $dir/docker.pid " +
				"-H unix://$dir/docker.sock --bridge=none --iptables=false",
			client: "docker -H unix://$dir/docker.sock",
			load:   "load -q -i $dir/image.tar",
			run:    "run -d" + bind + image,
			remove: "rm -f $id", list: "ps -aq",
			store: "$dir/data",
		}}
}
