# bash completion for haipsec
_haipsec_names() { # KIND: nodes or tunnels
  haipsec "$1" 2> /dev/null | awk -v column="$2" 'NR > 1 { print $column }'
}

_haipsec() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in status | check | nodes | tunnels | show | events | migrate | failover | takeover | reload | get | put | keygen | key | vpe | version) command=$word ;; esac
  done
  case $previous in
    --socket | --config | --vped | --charon | --key | --out | --witness) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --state) mapfile -t COMPREPLY < <(compgen -W "active passive absent unprotected" -- "$current"); return ;;
    --to) mapfile -t COMPREPLY < <(compgen -W "$(_haipsec_names nodes 2)" -- "$current"); return ;;
    show | get)
      if [[ $current != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_haipsec_names tunnels 1)" -- "$current")
        return
      fi
      ;;
  esac
  local options="--json --socket --help"
  case $command in
    '') options="status check nodes tunnels show events migrate failover takeover reload get put keygen key vpe version $options" ;;
    check) options="--config $options" ;;
    tunnels) options="--peer --state $options" ;;
    events) options="--follow $options" ;;
    migrate) options="--to $options" ;;
    takeover) options="--other-is-off $options" ;;
    get) options="--release --plain --key --charon $options" ;;
    put) options="--skip --plain --key --charon $options" ;;
    key) options="status rotate reload retire --key --witness $options" ;;
    vpe) options="--vped $options" ;;
    keygen) options="--out --witness $options" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  case $command in get | put) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;; esac
}

complete -o filenames -F _haipsec haipsec
