      0s    the run begins
      0s    test/flaky begins
      1m    test/flaky failure: it ended with exit code 1
      1m    test/flaky is tried again in 10s
    1m5s  > expect after 1m5s step test/flaky waiting
   1m10s    test/flaky begins, attempt 2
   2m10s    test/flaky failure: it ended with exit code 2
   2m10s    test/flaky is tried again in 20s
   2m30s    test/flaky begins, attempt 3
   3m30s    test/flaky success
   3m30s    test success
   3m30s    report/tell begins
   3m30s    report/tell success
   3m30s    report success
   3m30s    the run succeeded
   3m30s  > expect run succeeded
   3m30s  > expect step test/flaky success on attempt 3
   3m30s  > expect elapsed 3m30s
