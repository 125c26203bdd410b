<?php
// SPDX-License-Identifier: MIT
// As `calls post`, from PHP's own curl: php loop.php N URL. Prints nanoseconds of a request: mean, median,
// and the processor's time.
[, $times, $url] = $argv;
$easy = curl_init($url);
$headers = ["Authorization: Bearer sk-bench", "Expect:"];
if (getenv("OWN_HEADERS")) {
    array_push($headers, "X-Task-Id: T-42", "X-Conversation-Id: c-7f3a91", "X-Session-Id: c-7f3a91",
        "X-Project-Id: billing");
}
$saw = "";
curl_setopt_array($easy, [CURLOPT_POSTFIELDS => "{}", CURLOPT_RETURNTRANSFER => true, CURLOPT_HEADERFUNCTION =>
    function ($easy, $line) use (&$saw) {
        $saw = stripos($line, "X-Saw: ") === 0 ? trim(substr($line, 7)) : $saw;
        return strlen($line);
    }]);
function cpu() {
    $used = getrusage();
    return ($used["ru_utime.tv_sec"] + $used["ru_stime.tv_sec"]) * 1e9
        + ($used["ru_utime.tv_usec"] + $used["ru_stime.tv_usec"]) * 1e3;
}
function send($easy, $headers) {
    if (getenv("OWN_HEADERS")) {
        $headers[] = "X-Request-Id: 01a20c81-625b-7aee-89b0-" . bin2hex(random_bytes(6));
        $headers[] = "traceparent: 00-7eb31299dc38c34d9de68ffd7da0ce4a-" . bin2hex(random_bytes(8)) . "-02";
    }
    curl_setopt($easy, CURLOPT_HTTPHEADER, $headers);
    if (curl_exec($easy) === false)
        exit(1);
}
for ($i = 0; $i < 20; $i++) {
    send($easy, $headers);
    if ($saw !== getenv("EXPECT"))
        exit(1);
}
curl_setopt($easy, CURLOPT_HEADERFUNCTION, fn($easy, $line) => strlen($line));
$samples = [];
$cpu = -cpu();
for ($i = 0; $i < $times; $i++) {
    $start = hrtime(true);
    send($easy, $headers);
    $samples[] = hrtime(true) - $start;
}
$cpu += cpu();
sort($samples);
printf("%.2f %.2f %.2f\n", array_sum($samples) / $times, $samples[intdiv($times, 2)], $cpu / $times);
