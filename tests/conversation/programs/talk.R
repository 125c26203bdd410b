# SPDX-License-Identifier: MIT
library(curl)
library(jsonlite)
url <- commandArgs(trailingOnly = TRUE)[1]
for (messages in fromJSON(file("stdin"), simplifyVector = FALSE)) {
  said <- c(list(list(role = "system", content = format(Sys.time(), "It is %c."))),
            lapply(messages, function(message) list(role = message$role, content = message$text)))
  body <- toJSON(list(model = "m", messages = said), auto_unbox = TRUE)
  curl_fetch_memory(url, handle = new_handle(copypostfields = body))
}
