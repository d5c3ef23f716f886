      0s    the run begins
      0s    ship is skipped: its condition does not hold: ${{ !contains(github.event.head_commit.message, '[hold]') && !github.event.forced }}
      0s    note/s begins
      0s    note/s success
      0s    note success
      0s    the run succeeded
      0s  > expect job ship skipped because [hold]
      0s  > expect job note success
