#!/usr/bin/env bash
# A real Slurm of one node on this machine, for trying sweeps on a laptop and for tests. No root is needed.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/local_slurm.sh start|stop|status|env [FOLDER]

  start    start munged, slurmctld and slurmd; returns when the node takes jobs
  stop     cancel all jobs (they may save), then end the daemons
  status   the partitions and the jobs; exit code 1 if it does not run
  env      what to run in the shell that submits: eval "$(scripts/local_slurm.sh env)"

FOLDER holds all of its files; without it $LOCAL_SLURM_DIR, else ~/.local/state/ddpg-slurm. Read at start:
  LOCAL_SLURM_CPUS        how many CPUs the node says it has: the machine's, or more than there are
  LOCAL_SLURM_MEMORY_MB   its memory, the same
  LOCAL_SLURM_KILL_WAIT   seconds from SIGTERM to SIGKILL: 30
  LOCAL_SLURM_MAX_ARRAY   MaxArraySize: 1001

Partitions: main; low and lowgrace (15 s to save), whose jobs give way to those of high.
TEXT
}

die() {
    echo "local_slurm: $1" >&2
    exit 1
}

# running NAME: whether the daemon of our pid file lives: not a zombie, and not another process with its number.
running() { grep -aqs "^$1" "/proc/$(cat "$dir/$1.pid" 2>/dev/null)/cmdline"; }

# wait_until SECONDS COMMAND...: whether COMMAND succeeds within that time.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

takes_jobs() { sinfo --noheader --format=%T 2>/dev/null | grep -qxE 'idle|mixed|allocated'; }
is_empty() { [ -z "$(squeue --noheader 2>/dev/null)" ]; }
has_ended() { ! running "$1"; }

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Two ports that nobody listens at. Where the search begins depends on the folder, so that two clusters do not meet.
find_port() {
    port=$((20000 + $(cksum <<<"$dir" | cut -d ' ' -f 1) % 10000))
    until port_is_free "$port" && port_is_free $((port + 1)); do port=$((port + 2)); done
}

write_conf() {
    local host cpus memory_mb version
    host=$(uname -n)
    host=${host%%.*}
    cpus=${LOCAL_SLURM_CPUS:-$(nproc)}
    memory_mb=${LOCAL_SLURM_MEMORY_MB:-$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)}
    [[ "$cpus $memory_mb" =~ ^[1-9][0-9]*\ [1-9][0-9]*$ ]] ||
        die "CPUs and memory are whole numbers above 0, not $cpus and $memory_mb"
    find_port
    cat >"$SLURM_CONF" <<CONF
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
# A requeued job waits until its credential has expired: 5 s is the least that Slurm takes, 120 s its default.
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
# Nothing that needs root or cgroups.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SlurmctldParameters=preempt_send_user_signal
SchedulerParameters=sched_interval=2,batch_sched_delay=1,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=${LOCAL_SLURM_KILL_WAIT:-30}
MaxArraySize=${LOCAL_SLURM_MAX_ARRAY:-1001}
ReturnToService=1
DefMemPerCPU=$((memory_mb / cpus))
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory_mb
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 MaxTime=7-00:00:00 PreemptMode=OFF
PartitionName=low Nodes=ALL PriorityTier=1 MaxTime=7-00:00:00 GraceTime=0
PartitionName=lowgrace Nodes=ALL PriorityTier=1 MaxTime=7-00:00:00 GraceTime=15
PartitionName=high Nodes=ALL PriorityTier=10 MaxTime=7-00:00:00
CONF
    # From 24.05 on slurmd wants a cgroup of systemd's unless told not to; those before do not know the word.
    version=$(slurmctld -V | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
    [ "$(printf '%s\n' 24.05 "$version" | sort -V | head -n 1)" != 24.05 ] ||
        echo CgroupPlugin=disabled >"$dir/cgroup.conf"
}

# launch NAME COMMAND...: start the daemon and wait for its pid file; what it says on failure is in NAME.out or its log.
launch() {
    local name=$1
    shift
    running "$name" && return
    rm -f "$dir/$name.pid"
    "$@" >"$dir/$name.out" 2>&1 </dev/null || fail "$name did not start"
    wait_until 20 running "$name" || fail "$name did not start"
}

fail() {
    tail -n 5 "$dir"/*.out "$dir"/*.log >&2 2>/dev/null || true
    die "$1; the last lines of its logs in $dir stand above"
}

start() {
    for program in munged slurmctld slurmd srun; do
        command -v $program >/dev/null ||
            die "no $program here: apt-get install slurm-wlm munge (as root; Debian, Ubuntu)"
    done
    [ "${#dir}" -le 90 ] || die "$dir is too long for a socket's path: give a folder with a shorter name"
    mkdir -p "$dir/state" "$dir/spool"
    chmod 700 "$dir"
    [ -s "$dir/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$dir/munge.key")
    running slurmctld || running slurmd || write_conf # one that lives knows the ports of the file it read
    # --force: munged would not have its socket in a folder that is closed to other users.
    launch munged munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" \
        --seed-file="$dir/munge.seed" --pid-file="$dir/munged.pid" --log-file="$dir/munged.log"
    launch slurmctld slurmctld
    launch slurmd slurmd
    # A node that was down or drained when the cluster was stopped still is; one that is up refuses this.
    scontrol update nodename=ALL state=resume >/dev/null 2>&1 || true
    wait_until 60 takes_jobs || fail "the node does not take jobs"
    echo "export SLURM_CONF=$SLURM_CONF"
}

stop() {
    local name
    if running slurmctld && running munged; then
        squeue --noheader --format=%A | sort -u | xargs --no-run-if-empty scancel
        wait_until 60 is_empty || echo "local_slurm: these jobs do not end:" "$(squeue --noheader)" >&2
    fi
    for name in slurmd slurmctld munged; do
        running "$name" || continue
        kill "$(<"$dir/$name.pid")"
        wait_until 30 has_ended "$name" || kill -9 "$(<"$dir/$name.pid")"
    done
}

status() {
    local name
    for name in munged slurmctld slurmd; do
        running "$name" || die "no $name runs in $dir: scripts/local_slurm.sh start"
    done
    sinfo && squeue
}

print_env() {
    running slurmctld || die "no slurmctld runs in $dir: scripts/local_slurm.sh start"
    echo "export SLURM_CONF=$SLURM_CONF"
}

PATH=$PATH:/usr/sbin:/sbin # where Debian has the daemons, and not every user's PATH
dir=$(realpath -m "${2:-${LOCAL_SLURM_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/ddpg-slurm}}")
export SLURM_CONF=$dir/slurm.conf

case ${1:-} in
    start | stop | status) "$1" ;;
    env) print_env ;;
    -h | --help | help) usage ;;
    *) usage >&2 && exit 2 ;;
esac
