# SPDX-License-Identifier: ISC
# fish completion for earshotd
complete -c earshotd -f
complete -c earshotd -s c -l config -r -F -d 'the configuration'
complete -c earshotd -s f -l foreground -d 'accepted for the sake of habit'
complete -c earshotd -s v -l verbose -d "log every stanza's header, too"
complete -c earshotd -l check-config -d 'read the configuration, say what is wrong, end'
complete -c earshotd -l dump-config -d 'print it with all defaults and what they mean, end'
complete -c earshotd -l version -d 'print the version, end'
complete -c earshotd -s h -l help -d 'what there is to say'
