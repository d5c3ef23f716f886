      0s    the run begins
      0s    test/flaky begins
      5m    test/flaky is told to stop: its time is over
      5m    test/flaky failure: it took longer than its time limit
      5m    test/flaky is tried again in 10s
   5m10s    test/flaky begins, attempt 2
   5m15s  > expect after 5m15s step test/flaky running on attempt 2
   5m15s  > report test/flaky attempt 1 succeeds is refused because attempt 1 of step `flaky` in job `test` is not the one under way
   5m15s  > report test/flaky attempt 3 succeeds is refused because is not the one under way
   7m10s    test/flaky success
   7m10s    test success
   7m10s    report/tell begins
   7m10s    report/tell success
   7m10s    report success
   7m10s    the run succeeded
   7m10s  > expect step test/flaky success on attempt 2
   7m10s  > expect run succeeded
   7m10s  > expect elapsed 7m10s
