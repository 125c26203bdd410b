<?php
// SPDX-License-Identifier: MIT
// One handle for all, reset before each: see pycurl_easy.py.
$curl = curl_init();
while (($line = fgets(STDIN)) !== false) {
    curl_reset($curl);
    curl_setopt_array($curl, [
        CURLOPT_URL => $argv[1],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_POSTFIELDS => trim($line),
        CURLOPT_HTTPHEADER => ['Authorization: Bearer sk-test', 'Content-Type: application/json'],
    ]);
    curl_exec($curl);
    echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), "\n";
}
