<?php
// SPDX-License-Identifier: MIT
// Guzzle, which keeps a pool of handles and resets each after use: two requests, one after the
// other (sync), or three at once (async).
require '/usr/share/php/GuzzleHttp/autoload.php';

$options = [
    'headers' => ['Authorization' => 'Bearer sk-test'],
    'json' => ['model' => 'm', 'messages' => []],
];
$client = new GuzzleHttp\Client();
if ($argv[2] === 'sync') {
    foreach ([1, 2] as $n) {
        echo $client->post("$argv[1]?$n", $options)->getBody(), "\n";
    }
} else {
    $promises = [];
    foreach ([1, 2, 3] as $n) {
        $promises[$n] = $client->postAsync("$argv[1]?$n", $options);
    }
    foreach (GuzzleHttp\Promise\Utils::unwrap($promises) as $n => $response) {
        echo $n, ' ', $response->getBody(), "\n";
    }
}
