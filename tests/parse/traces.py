"""Stack traces as programs write them, and plain lines between them."""

from __future__ import annotations

JAVA = b"""2026-03-01 10:00:00,123 ERROR [main] c.shop.Orders - order 17 failed
java.lang.IllegalStateException: no stock for 17
\tat com.shop.Orders.place(Orders.java:42)
\tat com.shop.Orders.main(Orders.java:7) ~[orders.jar:1.0]
\tSuppressed: java.io.IOException: closed
\t\tat com.shop.Db.close(Db.java:9)
Caused by: java.sql.SQLException: timeout
\tat com.shop.Db.query(Db.java:77)
\t... 12 more"""

JAVA_UNCAUGHT = b"""Exception in thread "main" java.lang.NullPointerException
\tat com.shop.Main.main(Main.java:3)"""

PYTHON = b"""2026-03-01 10:00:00,123 ERROR shop.orders order 17 failed
Traceback (most recent call last):
  File "/srv/shop/orders.py", line 42, in place
    stock.take(order)
    ~~~~~~~~~~^^^^^^^
ValueError: bad thing"""

PYTHON_CHAINED = b"""Traceback (most recent call last):
  File "a.py", line 2, in <module>
    {}["x"]
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 4, in <module>
    raise RuntimeError("worse")
RuntimeError: worse

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "b.py", line 1, in run
socket.timeout: timed out"""

GO = b"""panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.(*Shop).place(0xc000012345, {0x4b2f60?, 0x1})
\t/srv/shop/main.go:8 +0x1d
main.main()
\t/srv/shop/main.go:3 +0x20
created by main.start in goroutine 1
\t/srv/shop/main.go:2 +0x11
exit status 2"""

GO_FATAL = b"""fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive]:
main.main()
\t/srv/shop/main.go:4 +0x30"""

NODE = b"""TypeError: Cannot read properties of undefined (reading 'id')
    at place (/srv/shop/orders.js:42:13)
    at async Server.<anonymous> (/srv/shop/index.js:7:3) {
  code: 'E_NO_ID',
  order: 17
}"""

DOTNET = b"""Unhandled exception. System.InvalidOperationException: no stock
 ---> System.TimeoutException: slow
   at Shop.Db.Query() in /src/Db.cs:line 77
   --- End of inner exception stack trace ---
   at Shop.Orders.Place() in /src/Orders.cs:line 42"""

RUBY = b"""E, [2026-03-01T10:00:00.123456 #77] ERROR -- : orders.rb:42:in `place': no stock (RuntimeError)
\tfrom orders.rb:7:in `<main>'"""

RUST = b"""thread 'main' panicked at src/main.rs:42:5:
index out of bounds: the len is 3 but the index is 5
stack backtrace:
   0: rust_begin_unwind
             at /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/std/src/panicking.rs:645:5
   1: shop::place
note: run with `RUST_BACKTRACE=full` for a verbose backtrace"""

PHP = b"""PHP Fatal error:  Uncaught RuntimeException: no stock in /srv/shop/orders.php:42
Stack trace:
#0 /srv/shop/index.php(7): place(17)
#1 {main}
  thrown in /srv/shop/orders.php on line 42"""

POSTGRES = b"""2026-03-01 10:00:00.123 UTC [77] LOG:  duration: 12.3 ms  statement: SELECT id,
\t       name
\t  FROM orders
\t WHERE id = 17"""

JSON = b"""{
  "level": "error",
  "order": {
    "id": 17
  },
  "lines": [
    1
  ]
}"""

TRACES = {
    "java": JAVA, "java, uncaught": JAVA_UNCAUGHT, "python": PYTHON, "python, chained": PYTHON_CHAINED, "go": GO,
    "go, fatal": GO_FATAL, "node": NODE, ".net": DOTNET, "ruby": RUBY, "rust": RUST, "php": PHP, "postgresql": POSTGRES,
    "json over lines": JSON,
}  # fmt: skip

PLAIN = (
    b"2026-03-01 10:00:01,000 INFO [main] c.shop.Orders - order 18 placed",
    b"2026-03-01 10:00:02,000 WARN [main] c.shop.Orders - stock of 18 is low:",
    b"Mar  1 10:00:03 shop sshd[99]: Accepted publickey for bob",
    b'{"level":"info","msg":"order 19 placed"}',
    b"opened door 17",
    b"level=info msg=placed order=20",
    b'10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 17',
    b"Error budget is fine",
)
