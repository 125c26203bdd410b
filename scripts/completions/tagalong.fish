# SPDX-License-Identifier: MIT
# Completions of tagalong for fish. What may stand where is told by `tagalong complete`.

function __tagalong_complete
    set -l words (commandline -opc) (commandline -ct)
    # Of --body=FILE what is in front of the file, and as much of it as there is.
    set -l lead (string match -r -- '^--[^=]*=' $words[-1])
    set -l given (string replace -r -- '^--[^=]*=' '' $words[-1])
    set -q lead[1]; or set lead ''
    for line in (command tagalong complete $words[2..-1] 2>/dev/null)
        switch $line
            case :file
                string join \n -- $lead(__fish_complete_path $given)
            case :folder
                string join \n -- $lead(__fish_complete_directories $given '')
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
