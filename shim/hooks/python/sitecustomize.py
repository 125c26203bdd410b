# SPDX-License-Identifier: MIT
# Put on PYTHONPATH by `tagalong run`. Leaves a finder behind that loads hook.py when the program imports
# something that sends HTTP requests, and then imports the sitecustomize that the program would have had
# without it. Short, as every start reads it; in words that Python 2 can read. See docs/python.md.
import sys

here = __file__.rpartition("/")[0]


class Finder(object):
    names = {  # the keys of HOOKS in hook.py, which is read only when it is needed
        "http.client",
        "urllib3.connection",
        "aiohttp.client_reqrep",
        "httpcore._sync.connection_pool",
        "httpcore._async.connection_pool",
        "httpcore2._sync.connection_pool",
        "httpcore2._async.connection_pool",
    }
    hook = {}
    loader = globals().get("__loader__")

    def load(self):
        if not self.hook:
            self.hook = {"__name__": "tagalong", "__file__": here + "/hook.py"}
            try:
                exec(type(self.loader)("tagalong", here + "/hook.py").get_code("tagalong"), self.hook)
            except Exception:
                pass

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            self.load()
            if "find_spec" in self.hook:
                return self.hook["find_spec"](self, name, path, target)


if sys.version_info >= (3, 8):
    finder = Finder()
    sys.meta_path.insert(0, finder)
    if not finder.names.isdisjoint(sys.modules):
        finder.load()  # a .pth file has imported one already
if here in sys.path:
    sys.path.remove(here)
    module = sys.modules.pop("sitecustomize")  # Python 2 empties a module that nobody names
    import sitecustomize  # without one this fails as it would have without ours
