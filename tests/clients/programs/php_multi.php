<?php
// SPDX-License-Identifier: MIT
// curl_multi_exec with three handles at once, then one of them again.
$multi = curl_multi_init();

function run(CurlMultiHandle $multi): void
{
    do {
        $status = curl_multi_exec($multi, $running);
        if ($running) {
            curl_multi_select($multi);
        }
    } while ($running && $status === CURLM_OK);
}

$handles = [];
foreach ([1, 2, 3] as $n) {
    $curl = curl_init("$argv[1]?$n");
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_POSTFIELDS => '{"model":"m","messages":[]}',
        CURLOPT_HTTPHEADER => ['Authorization: Bearer sk-test', 'Content-Type: application/json'],
    ]);
    curl_multi_add_handle($multi, $curl);
    $handles[$n] = $curl;
}
run($multi);
foreach ($handles as $n => $curl) {
    echo $n, ' ', curl_getinfo($curl, CURLINFO_RESPONSE_CODE), ' ', curl_multi_getcontent($curl), "\n";
    curl_multi_remove_handle($multi, $curl);
}
curl_setopt($handles[1], CURLOPT_URL, "$argv[1]?4");
curl_multi_add_handle($multi, $handles[1]);
run($multi);
echo curl_multi_getcontent($handles[1]), "\n";
