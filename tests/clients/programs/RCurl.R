# SPDX-License-Identifier: MIT
# RCurl: one handle twice, and its copy.
library(RCurl)
url <- commandArgs(trailingOnly = TRUE)[1]
own <- c(Authorization = "Bearer sk-test", "Content-Type" = "application/json")
h <- getCurlHandle()
send <- function(h, n) {
  answer <- basicTextGatherer()
  curlPerform(url = paste0(url, "?", n), httpheader = own, postfields = "{}",
              writefunction = answer$update, curl = h)
  cat(answer$value(), "\n")
}
send(h, 1)
send(h, 2)
send(dupCurlHandle(h), 3)
