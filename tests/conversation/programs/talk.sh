# SPDX-License-Identifier: MIT
jq -c '.[]' | while read -r messages; do
	jq -cn --arg now "$(date)" --argjson messages "$messages" '{model: "m", messages: [
		{role: "system", content: "It is \($now)."}, ($messages[] | {role, content: .text})]}' |
		curl -sS "$1" -H 'Content-Type: application/json' -d @-
done
