#compdef earshotd
# SPDX-License-Identifier: ISC
_arguments -S \
	'(-c --config)'{-c,--config}'[the configuration]:file:_files' \
	'(-f --foreground)'{-f,--foreground}'[accepted for the sake of habit]' \
	'*'{-v,--verbose}"[log every stanza's header, too]" \
	'--check-config[read the configuration, say what is wrong, end]' \
	'--dump-config[print it with all defaults and what they mean, end]' \
	'--version[print the version, end]' \
	'(-h --help)'{-h,--help}'[what there is to say]'
