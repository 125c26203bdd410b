# SPDX-License-Identifier: MIT
library(httr)
url <- commandArgs(trailingOnly = TRUE)[1]
for (n in 1:2) {
  answer <- POST(paste0(url, "?", n), add_headers(Authorization = "Bearer sk-test"),
                 content_type_json(), body = "{}")
  cat(status_code(answer), content(answer, "text", encoding = "UTF-8"), "\n")
}
