      0s    the run begins
      0s    test/flaky begins
      0s    test/flaky failure: it ended with exit code 1
      0s    test/flaky is tried again in 10s
     10s    test/flaky begins, attempt 2
     10s    test/flaky failure: it failed with broken_pipe
     10s    test failure
     10s    report/tell begins
     10s    report/tell success
     10s    report success
     10s    the run failed
     10s  > expect step test/flaky failure on attempt 2 because it failed with broken_pipe
     10s  > expect job report success
     10s  > expect run failed because broken_pipe
     10s  > expect elapsed 10s
