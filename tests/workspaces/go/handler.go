package gateway

type Server struct {
	name string
}

func (s *Server) Save(name string) error {
	if name == "" {
		return nil
	}
	s.name = name
	return nil
}

func ParseHeader(line string) string {
	return line
}
