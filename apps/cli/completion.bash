# bash completion of the `asyncio` command: subcommands, options, files, and the ids of processes.

_asyncio_processes() {
  # Those of this user, with their names behind them where there is more than one.
  local pids
  pids=$(ps -u "$(id -u)" -o pid= 2>/dev/null | tr -d ' ')
  compgen -W "$pids" -- "$1"
}

_asyncio_options() {
  case $1 in
    ps | pstree) echo "--json --help" ;;
    top) echo "--delay --once --help" ;;
    trace) echo "--output --flame --duration --help" ;;
    run) echo "--release --rebuild --help" ;;
    new) echo "--help" ;;
    *) echo "--help --version" ;;
  esac
}

_asyncio() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local command=${COMP_WORDS[1]} i
  COMPREPLY=()
  if ((COMP_CWORD == 1)) && [[ $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "new ps pstree run top trace" -- "$word")
    return
  fi
  case $command:$before in
    trace:-o | trace:--output | trace:--flame)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    top:-d | top:--delay | trace:-d | trace:--duration) return ;;
  esac
  # What stands behind the file or the command is for that program.
  for ((i = 2; i < COMP_CWORD; ++i)); do
    case $command:${COMP_WORDS[i]} in
      trace:-o | trace:--output | trace:--flame | trace:-d | trace:--duration) ((++i)) ;;
      *:-*) ;;
      run:* | trace:*)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return ;;
    esac
  done
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_asyncio_options "$command")" -- "$word")
    return
  fi
  case $command in
    ps | pstree | top) mapfile -t COMPREPLY < <(_asyncio_processes "$word") ;;
    trace) mapfile -t COMPREPLY < <(_asyncio_processes "$word"; compgen -c -f -- "$word") ;;
    run) mapfile -t COMPREPLY < <(compgen -f -- "$word" | grep -E '\.(cpp|cc|cxx)$'
                                  compgen -d -- "$word") ;;
  esac
}

complete -F _asyncio asyncio
