# SPDX-License-Identifier: MIT
library(httr2)
url <- commandArgs(trailingOnly = TRUE)[1]
req <- request(url) |>
  req_headers(Authorization = "Bearer sk-test") |>
  req_body_json(list(model = "m", messages = list()))
for (n in 1:2) cat(resp_status(req_perform(req)), resp_body_string(last_response()), "\n")
