# SPDX-License-Identifier: MIT
# Completions of tagalong for bash. What may stand where is told by `tagalong complete`.

_tagalong() {
	local line=${COMP_LINE:0:COMP_POINT} i word rest cut reply candidate breaks=$COMP_WORDBREAKS
	local words=() at=()
	COMPREPLY=()

	# bash takes words apart at "=" and ":"; they are one where no blank is between them.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		rest=${line#"${line%%[![:space:]]*}"}
		[[ $i -lt $COMP_CWORD ]] || word=$rest
		if [[ $i -gt 0 && $rest == "$line" ]]; then
			words[${#words[@]} - 1]+=$word
		else
			words+=("$word") at+=("$i")
		fi
		line=${rest#"$word"}
	done
	word=${words[${#words[@]} - 1]}

	# What stands in front of the last "=" or ":" is there already.
	cut=${word%"${word##*[=:]}"}
	while [[ $cut && $breaks != *"${cut: -1}"* ]]; do
		cut=${cut%?}
		cut=${cut%"${cut##*[=:]}"}
	done

	reply=$(command tagalong complete "${words[@]:1}" 2>/dev/null) || return 0
	while IFS= read -r candidate; do
		case $candidate in
		'') ;;
		:file | :folder)
			compopt -o filenames 2>/dev/null
			word=${word#--*=}
			i=-f
			[[ $candidate == :file ]] || i=-d
			while IFS= read -r candidate; do
				COMPREPLY+=("$candidate")
			done < <(compgen "$i" -- "$word")
			;;
		:command\ *)
			i=${at[${candidate#:command } + 1]}
			if declare -F _command_offset >/dev/null; then
				_command_offset "$i"
			elif [[ $i -eq $COMP_CWORD ]]; then
				while IFS= read -r candidate; do
					COMPREPLY+=("$candidate")
				done < <(compgen -c -- "$word")
			else
				compopt -o default 2>/dev/null
			fi
			;;
		*)
			candidate=${candidate%%$'\t'*}
			[[ $candidate != *= ]] || compopt -o nospace 2>/dev/null
			COMPREPLY+=("${candidate#"$cut"}")
			;;
		esac
	done <<<"$reply"
	return 0
} &&
	complete -F _tagalong tagalong
