# SPDX-License-Identifier: MIT
# cmake -DURL=... -P cmake.cmake: file(UPLOAD) is a PUT and file(DOWNLOAD) a GET.
set(own HTTPHEADER "Authorization: Bearer sk-test" HTTPHEADER "Content-Type: application/json")
file(WRITE body "{}")
file(UPLOAD body ${URL} ${own} STATUS uploaded)
file(DOWNLOAD ${URL} answer ${own} STATUS downloaded)
file(READ answer answer)
message("${uploaded} ${downloaded} ${answer}")
