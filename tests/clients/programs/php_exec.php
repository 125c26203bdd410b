<?php
// SPDX-License-Identifier: MIT
// curl_exec on one handle, on its copy, after a reset, and with curl_setopt_array: five requests.
const HEADERS = ['Authorization: Bearer sk-test', 'Content-Type: application/json'];
const BODY = '{"model":"m","messages":[]}';

function send(CurlHandle $curl): void
{
    $answer = curl_exec($curl);
    echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), ' ', strlen($answer), "\n";
}

$curl = curl_init($argv[1]);
curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
curl_setopt($curl, CURLOPT_POSTFIELDS, BODY);
curl_setopt($curl, CURLOPT_HTTPHEADER, HEADERS);
send($curl);
curl_setopt($curl, CURLOPT_HTTPHEADER, [...HEADERS, 'X-Turn: 2']); // frees the old list first
send($curl);

$copy = curl_copy_handle($curl); // shares the list
curl_close($curl);
unset($curl);
send($copy);

curl_reset($copy);
curl_setopt_array($copy, [
    CURLOPT_URL => $argv[1],
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => BODY,
    CURLOPT_HTTPHEADER => HEADERS,
]);
send($copy);
curl_setopt($copy, CURLOPT_URL, "$argv[1]?again");
send($copy);
