# SPDX-License-Identifier: MIT
# Completions of tagalong for fish. What may stand where is told by `tagalong complete`.

function __tagalong_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command tagalong complete $words[2..-1] 2>/dev/null)
        switch $line
            case :file
                __fish_complete_path (commandline -ct)
            case :folder
                __fish_complete_directories (commandline -ct) ''
            case ':command *'
                # The first of them is word 2 here: fish counts from 1, and from tagalong.
                set -l at (math (string replace ':command ' '' -- $line) + 2)
                set -l call (string escape -- $words[$at..-2]) (commandline -ct)
                complete -C (string join ' ' -- $call)
            case '*'
                echo $line
        end
    end
end

complete -c tagalong -f -a '(__tagalong_complete)'
