# SPDX-License-Identifier: ISC
# bash completion for earshotd
_earshotd()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}

	case $before in
	-c | --config)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "-c --config -f --foreground -v --verbose
			--check-config --dump-config --version -h --help" -- "$word")
		;;
	esac
}
complete -F _earshotd earshotd
