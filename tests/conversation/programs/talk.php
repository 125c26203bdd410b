<?php // SPDX-License-Identifier: MIT
$curl = curl_init($argv[1]);
foreach (json_decode(file_get_contents('php://stdin'), true) as $messages) {
    $said = [['role' => 'system', 'content' => 'It is ' . date('r') . '.']];
    foreach ($messages as $message) {
        $said[] = ['role' => $message['role'], 'content' => $message['text']];
    }
    curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode(['model' => 'm', 'messages' => $said]));
    curl_exec($curl);
}
