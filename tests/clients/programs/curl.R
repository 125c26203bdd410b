# SPDX-License-Identifier: MIT
# R's curl package: a handle used twice, and an async pool. All of it runs in one multi handle.
library(curl)
url <- commandArgs(trailingOnly = TRUE)[1]
handle <- function() {
  h <- new_handle(copypostfields = "{}")
  handle_setheaders(h, Authorization = "Bearer sk-test", "Content-Type" = "application/json")
}

h <- handle()
for (n in 1:2) cat(rawToChar(curl_fetch_memory(paste0(url, "?", n), handle = h)$content), "\n")

pool <- new_pool()
answers <- list()
for (n in 3:5) local({
  name <- paste0(url, "?", n)
  multi_add(handle_setopt(handle(), url = name), pool = pool,
            done = function(r) answers[[name]] <<- rawToChar(r$content))
})
multi_run(pool = pool)
for (name in sort(names(answers))) cat(answers[[name]], "\n")
