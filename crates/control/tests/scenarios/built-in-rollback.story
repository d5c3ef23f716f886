      0s    the run begins
      0s    rollback/rollback begins
      0s    rollback/rollback failure: it failed with health_check_failed
      0s    rollback failure
      0s    the run failed
      0s  > expect run failed because health_check_failed
      0s  > expect environment prod at previous release
