      0s    the run begins
      0s    promote becomes promote (prod)
      0s    promote.0/deploy begins
     20s    promote.0/deploy success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
     20s    promote.0 success
     20s    promote success
     20s    follow is skipped: its condition does not hold: github.event.following[0]
     20s    the run succeeded
     20s  > expect run succeeded
     20s  > expect environment prod at new release
