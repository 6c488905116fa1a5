module example.com/gateway

go 1.22.0

toolchain go1.22.5

require github.com/gin-gonic/gin v1.10.0

require (
	github.com/jackc/pgx/v5 v5.6.0
	github.com/stretchr/testify v1.9.0
	golang.org/x/net v0.27.0 // indirect
)

replace example.com/old => ../old
