# Shared by up, down, pause, resume and nodetool (sourced, not run).
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
me=${0##*/}
cache=${AQS_TESTENV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/aqs-testenv}
data='' node=''

die() { echo "$me: $*" >&2; exit 1; }

# common_flag FLAG VALUE: takes a flag that every script has; false for any other
common_flag() {
    case $1 in
        --cache) cache=$2 ;;
        --data) data=$2 ;;
        --node) node=$2 ;;
        *) return 1 ;;
    esac
}

settle_paths() {
    cache=$(realpath -m -- "$cache")
    data=$(realpath -m -- "${data:-$cache/cassandra-data}")
    [[ $cache$data$here != *[[:space:]\|\&]* ]] || die "no blank, | or & in a path, please"
}

# nodes_here: the numbers of the nodes that this data folder has, or the one of --node
nodes_here() {
    if [[ -n $node ]]; then
        [[ -d $data/node$node ]] || die "no node $node in $data"
        echo "$node"
    else
        for dir in "$data"/node[0-9]*; do [[ ! -d $dir ]] || echo "${dir##*/node}"; done | sort -n
    fi
}

# pid_of N: node N's process, if it runs (a pid that another program got since does not count)
pid_of() {
    local pid
    pid=$(cat "$data/node$1/pid" 2>/dev/null) || return 1
    [[ " $(ps -o args= -p "$pid" 2>/dev/null) " == *" -Daqs.testenv.node=$data/node$1 "* ]] || return 1
    echo "$pid"
}

is_paused() { [[ $(ps -o stat= -p "$1" 2>/dev/null) == T* ]]; }

# find_java: sets java to a Java that Cassandra 5.0 runs on
find_java() {
    for java in ${AQS_JAVA:+"$AQS_JAVA"} ${JAVA_HOME:+"$JAVA_HOME/bin/java"} java /usr/lib/jvm/*/bin/java; do
        java_version=$("$java" -version 2>&1) || continue
        [[ $java_version =~ version\ \"(17|21)\. ]] && return
    done
    die "needs Java 17 or 21 (Debian: openjdk-17-jre-headless): put it on PATH, or name it in AQS_JAVA"
}

# find_jars: sets home (this version's cache) and class_path, fetching the jars once
find_jars() {
    local version staging
    version=$(sed -n 's:.*<cassandra.version>\(.*\)</cassandra.version>.*:\1:p' "$here/pom.xml")
    home=$cache/cassandra-$version
    if [[ ! -d $home/lib ]]; then
        command -v mvn >/dev/null || die "needs Maven (Debian: maven) to fetch Cassandra"
        mkdir -p "$home"
        staging=$(mktemp -d "$home/lib.XXXXXX")
        echo "$me: fetching Cassandra $version from Maven"
        JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v "$java")")")") \
            mvn -q -B -C -Dstyle.color=never -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
            -DoutputDirectory="$staging" >"$staging.log" 2>&1 ||
            { cat "$staging.log" >&2; die "Maven could not fetch it"; }
        rm -f "$staging.log"
        mv -T "$staging" "$home/lib" 2>/dev/null || rm -rf "$staging"
    fi
    class_path=$(printf '%s:' "$home"/lib/*.jar)
    class_path=${class_path%:}
}

lock() {
    mkdir -p "$data"
    exec 9>"$data/.lock"
    flock -w 180 9 || die "another up or down is at work in $data"
}
