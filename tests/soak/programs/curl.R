# SPDX-License-Identifier: MIT
# R's curl package, a new handle for each: see pycurl_easy.py.
suppressMessages(library(curl))
url <- commandArgs(trailingOnly = TRUE)[1]
input <- file("stdin", "r")
while (length(line <- readLines(input, 1)) == 1) {
  handle <- new_handle(copypostfields = line)
  handle_setheaders(handle, Authorization = "Bearer sk-test", "Content-Type" = "application/json")
  cat(curl_fetch_memory(url, handle = handle)$status_code, "\n", sep = "")
}
invisible(close(input))
