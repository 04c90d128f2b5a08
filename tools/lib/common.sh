# Shared by tools/test, tools/bench and tools/demo; sourced, never run.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo -- "$@"; fi
}

# The one change outside /tmp and the clone that is not a package. Debian's udev makes it 0666 by itself.
open_fuse() {
  [[ -e /dev/fuse ]] || { say "there is no /dev/fuse: the kernel was built without FUSE, or modprobe fuse"; return 1; }
  [[ $(stat -c %a /dev/fuse) == 666 ]] && return
  say "users may not open /dev/fuse here; making it 0666, as udev does on Debian"
  as_root chmod 0666 /dev/fuse
}

# build PRESET [TARGET…]: configures when needed and builds. With ccache where it is installed.
build() {
  local preset=$1; shift
  if [[ -z ${CMAKE_CXX_COMPILER_LAUNCHER:-} ]] && command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
  fi
  (cd "$repo" && cmake --preset "$preset" >"$repo/build/configure-$preset.log") || {
    cat "$repo/build/configure-$preset.log" >&2
    return 1
  }
  cmake --build "$repo/build/$preset" ${1+--target "$@"}
}

# The deepest directory above the clone that others may not search, e.g. /root for a clone made by root.
unsearchable_ancestor() {
  local directory=$repo found=
  while [[ $directory != / ]]; do
    directory=$(dirname "$directory")
    (( 0$(stat -c %a "$directory") & 1 )) || found=$directory
  done
  printf '%s' "$found"
}

# as_root_where_users_see COMMAND…: runs it as root in a mount namespace in which ordinary users can reach
# the clone too. Tests drop to users of their own, and root's clone usually lies in /root, mode 0700.
# Only the clone itself shows through; the rest of the unsearchable directory is covered for everybody.
as_root_where_users_see() {
  local ancestor
  ancestor=$(unsearchable_ancestor)
  if [[ -z $ancestor ]]; then
    as_root "$@"
    return
  fi
  as_root unshare --mount --propagation private bash -euc '
    repo=$1 ancestor=$2; shift 2
    stage=$(mktemp -d)
    mount --bind "$repo" "$stage"
    mount -t tmpfs -o mode=755 llrun-clone "$ancestor"
    mkdir -p "$repo"
    mount --move "$stage" "$repo"
    rmdir "$stage"
    cd "$repo"
    exec "$@"' visible "$repo" "$ancestor" "$@"
}
